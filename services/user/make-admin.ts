import { Email } from "../../contracts/user.js";
import { connect } from "../../kit/dapr.js";
import { Unavailable } from "../../kit/problem.js";
import { stateStore } from "../../kit/state.js";
import { withRoles } from "./user.js";
import { users } from "./users.js";

// node make-admin.js <e-mail address>: for the first admin, whom no other can make. It runs beside the user service's
// sidecar and needs its DAPR_HTTP_PORT and DAPR_API_TOKEN, nothing else.

async function makeAdmin(email: string, daprPort: number): Promise<string> {
  const dapr = connect({ DAPR_HTTP_PORT: daprPort, DAPR_API_TOKEN: process.env.DAPR_API_TOKEN });
  try {
    const accounts = users(stateStore(dapr, "user"));
    const account = await accounts.find(email);
    if (!account) throw new Error(`There is no account ${email}: sign up first (POST /users).`);
    if (account.roles.includes("admin")) return `${account.email} is an admin already.`;
    await accounts.change(account.id, (found) => withRoles(found, [...found.roles, "admin"]));
    return `${account.email} is an admin from the next sign-in on.`;
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    throw new Error(`The user service's sidecar does not serve on port ${daprPort}: start the system, then try again.`);
  } finally {
    await dapr.close();
  }
}

const email = Email.safeParse(process.argv[2]);
const port = Number(process.env.DAPR_HTTP_PORT);
try {
  if (!email.success)
    throw new Error(
      `Say whose account: npm run admin -- <e-mail>. ${process.argv[2] ?? "Nothing"} is no e-mail address.`,
    );
  if (!port) throw new Error("DAPR_HTTP_PORT is not set: run this beside the user service's sidecar.");
  console.log(await makeAdmin(email.data, port));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
