// Runs the server audits of graphql-http against the address given and prints one result a line as JSON.
// The token comes by the environment, because the audits themselves know nothing of signing in.
import { serverAudits } from "graphql-http";

const authorization = `Bearer ${process.env.KEHU_AUDIT_TOKEN}`;
const fetchFn = (url, options = {}) => fetch(url, { ...options, headers: { ...options.headers, authorization } });

for (const audit of serverAudits({ url: process.argv[2], fetchFn })) {
  const result = await audit.fn();
  console.log(JSON.stringify({ id: result.id, name: result.name, status: result.status, reason: result.reason ?? null }));
}
