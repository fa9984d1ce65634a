"""Child processes in which text and files of strangers are parsed, compiled and run, under limits of their own."""
