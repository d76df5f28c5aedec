import { join } from "node:path";
import { instanceOf, root } from "./instance.js";
import { help, Refusal } from "./say.js";
import { tokensOf } from "./secrets.js";
import { run as runProgram } from "./shell.js";

const usage = `
npm run admin -- <e-mail>   give the admin role to an account of the running system

  PORT_BASE                 which one, when it was started with it
`;

/** The user service's, as dapr.yaml says. */
const sidecarPort = 3503;

/** The same program as in a container, with no more than it gets there. */
export async function run(args: string[]): Promise<void> {
  help(args, usage);
  const { dir, offset } = instanceOf();
  const env = { DAPR_HTTP_PORT: String(sidecarPort + offset), DAPR_API_TOKEN: tokensOf(dir, "user").api };
  const program = join(root, "dist", "services", "user", "make-admin.js");
  const { code, output } = await runProgram(process.execPath, [program, ...args], { env });
  if (code !== 0) throw new Refusal(output.trim());
  console.log(output.trim());
}
