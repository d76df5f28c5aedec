import { installed } from "./debian.js";
import { Refusal, type Say } from "./say.js";
import { isExecutable } from "./shell.js";

/** The browser that the console is tested with: CHROMIUM, else the one on PATH, else Debian's, with a font. */
export async function browserOf(say: Say): Promise<string> {
  const given = process.env.CHROMIUM;
  if (given && !isExecutable(given))
    throw new Refusal(`CHROMIUM=${given} is no program: name a Chromium or Chrome, or leave it unset.`);
  return (
    given ??
    installed(
      {
        command: "chromium",
        packages: ["chromium", "fonts-inter"],
        otherwise:
          "install it (for example `sudo apt-get install chromium`), or name another Chromium or Chrome by CHROMIUM=…, then run this again.",
      },
      say,
    )
  );
}
