import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

export type Result = { code: number; output: string };

/** Runs a program to its end, without a shell; it does not outlive this process. */
export function run(
  command: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; onLine?: (line: string) => void } = {},
): Promise<Result> {
  const { cwd = "/", env = process.env, onLine = () => {} } = options;
  return new Promise((done) => {
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    const endIt = () => void (child.pid && process.kill(-child.pid, "SIGKILL"));
    process.once("exit", endIt);
    let output = "";
    const collect = (chunk: string) => {
      output += chunk;
      chunk.split("\n").filter(Boolean).forEach(onLine);
    };
    child.stdout.setEncoding("utf8").on("data", collect);
    child.stderr.setEncoding("utf8").on("data", collect);
    child.once("error", (error) => finish(127, error.message));
    child.once("close", (code) => finish(code ?? 1, output));
    function finish(code: number, text: string) {
      process.off("exit", endIt);
      done({ code, output: text });
    }
  });
}

/** The same with this process's own terminal: its output is seen as it comes. */
export function runAloud(command: string, args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd, env, stdio: "inherit" });
    const endIt = () => void child.kill();
    process.once("exit", endIt);
    child.once("close", (code) => {
      process.off("exit", endIt);
      done(code ?? 1);
    });
  });
}

/** Where a program is on PATH, if it is. */
export function which(name: string, path = process.env.PATH ?? ""): string | undefined {
  return path
    .split(delimiter)
    .map((dir) => join(dir || ".", name))
    .find(isExecutable);
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
