"""HTTP and the command line: who asks, which edition answers, how bytes leave."""
