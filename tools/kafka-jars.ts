import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EnvHttpProxyAgent, fetch } from "undici";
import { cached } from "./cached.js";
import { cacheDir, checkSpace } from "./dapr.js";
import { root } from "./instance.js";
import { Refusal, type Say, ticking } from "./say.js";

type Jar = { group: string; artifact: string; version: string; sha256: string };

const list = () => readFileSync(join(root, "tools", "kafka", "jars.txt"), "utf8");
const atOnce = 6;

export const jarsIn = (text: string): Jar[] =>
  text
    .trim()
    .split("\n")
    .map((line) => {
      const [name = "", sha256 = ""] = line.split(" ");
      const [group = "", artifact = "", version = ""] = name.split(":");
      return { group, artifact, version, sha256 };
    });

/** Where a jar lies in every Maven repository. */
export const pathOf = ({ group, artifact, version }: Jar): string =>
  `${group.replaceAll(".", "/")}/${artifact}/${version}/${nameOf({ artifact, version })}`;
const nameOf = ({ artifact, version }: Pick<Jar, "artifact" | "version">) => `${artifact}-${version}.jar`;

/** A mirror of Maven Central can be named by MAVEN_CENTRAL_URL. */
const repository = () => (process.env.MAVEN_CENTRAL_URL ?? "https://repo.maven.apache.org/maven2").replace(/\/$/, "");

/** The folder that holds Kafka and what it needs, fetched once. */
export async function kafkaJars(say: Say): Promise<string> {
  const text = list();
  const jars = jarsIn(text);
  const kafka = jars.find(({ artifact }) => artifact.startsWith("kafka_")) as Jar;
  const what = `Kafka ${kafka.version}`;
  const name = `kafka-${kafka.version}-${createHash("sha256").update(text).digest("hex").slice(0, 8)}`;
  return cached({ name, what, say }, async (into, home) => {
    checkSpace(cacheDir(), 0.2, `store ${what}`);
    say(`${what} is not there yet: fetching its ${jars.length} jars once into ${home} …`);
    await fetchAll(jars, into, say);
  });
}

async function fetchAll(jars: Jar[], into: string, say: Say): Promise<void> {
  const dispatcher = new EnvHttpProxyAgent({ connectTimeout: 10_000 });
  const left = [...jars];
  const tick = ticking(say, () => `${jars.length - left.length} of ${jars.length} jars`, 5);
  const lane = async () => {
    for (let jar = left.pop(); jar; jar = left.pop()) {
      const url = `${repository()}/${pathOf(jar)}`;
      const bytes = await fetch(url, { dispatcher })
        .then(async (answer) => (answer.ok ? Buffer.from(await answer.arrayBuffer()) : `it answers ${answer.status}`))
        .catch((error: Error) => String(error.cause ?? error));
      if (typeof bytes === "string")
        throw new Refusal(
          `${url} could not be fetched (${bytes}): name a mirror with MAVEN_CENTRAL_URL, or run this again.`,
        );
      if (createHash("sha256").update(bytes).digest("hex") !== jar.sha256)
        throw new Refusal(`${url} is not what tools/kafka/jars.txt says: nothing was installed, run this again.`);
      writeFileSync(join(into, nameOf(jar)), bytes);
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, lane));
  } finally {
    tick();
  }
}
