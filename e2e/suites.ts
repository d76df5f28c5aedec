import type { LaunchOptions } from "../tools/supervisor.js";
import { appEnv, mailEnv, settings } from "./settings.js";

/** A system of its own with fresh data, and what is asked of it: Vitest projects, one after the other. */
export type Suite = {
  says: string;
  projects: string[];
  launch?: LaunchOptions;
  /** The tests start, stop and crash their system themselves (e2e/own.ts). */
  own?: boolean;
  /** For the system's processes and the tests. */
  env?: Record<string, string>;
};

// No test but those of mail writes to anyone, whatever is set.
const noMail = { SMTP_HOST: "" };
const launch = { settings, appEnv };

/** `drift` comes last: what all tests of a suite left behind adds up. */
export const suites: Record<string, Suite> = {
  e2e: { says: "the system from outside", projects: ["e2e", "drift"], launch, env: noMail },
  mail: {
    says: "the system that sends mail, to a catcher of the test's own",
    projects: ["mail"],
    launch,
    env: mailEnv,
  },
  histories: {
    says: "sagas as they are recorded; RECORD=true keeps them for the unit tests",
    projects: ["histories"],
    launch,
    env: noMail,
  },
  upgrade: {
    says: "a second build replaces the first while orders are under way, and back",
    projects: ["upgrade"],
    own: true,
    env: noMail,
  },
  restore: {
    says: "stopped, crashed, parts of its data lost, restored from a back-up and repaired",
    projects: ["restore"],
    own: true,
    env: noMail,
  },
};

/** Those of `npm test`; the others take longer and are asked for by name. */
export const usual = ["e2e", "mail"];
