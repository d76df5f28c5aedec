import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { withBroker } from "./broker.js";
import type { App } from "./dapr-file.js";
import { isNewEnough } from "./kafka.js";
import { jarsIn, pathOf } from "./kafka-jars.js";
import { topics } from "./kafka-topics.js";

test("Java is asked what it is, in its own spelling", () => {
  expect(isNewEnough('openjdk version "17.0.15" 2025-04-15')).toBe(true);
  expect(isNewEnough('openjdk version "25" 2025-09-16')).toBe(true);
  expect(isNewEnough('java version "1.8.0_412"')).toBe(false);
  expect(isNewEnough('openjdk version "11.0.2"')).toBe(false);
  expect(isNewEnough("The operation could not be completed. Unable to locate a Java Runtime.")).toBe(false);
});

test("every jar is pinned by version and SHA-256, and looked for where Maven repositories have it", () => {
  const jars = jarsIn(readFileSync("tools/kafka/jars.txt", "utf8"));
  for (const jar of jars)
    expect(jar).toMatchObject({
      version: expect.stringMatching(/^\d/),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  expect(new Set(jars.map(pathOf)).size).toBe(jars.length);
  const pinned = /<artifactId>kafka_2.13<\/artifactId><version>(.+?)</.exec(
    readFileSync("tools/kafka/pom.xml", "utf8"),
  )?.[1];
  expect(jars.map(pathOf)).toContain(`org/apache/kafka/kafka_2.13/${pinned}/kafka_2.13-${pinned}.jar`);
});

test("a broker's component is loaded, and no other's", () => {
  const app = { resourcesPaths: ["/here/components", "/here/components/redis"] } as App;
  expect(withBroker(app, "redis")).toEqual(app);
  expect(withBroker(app, "kafka")).toEqual({ resourcesPaths: ["/here/components", "/here/components/kafka"] });
});

test("every topic that a component's scopes name is made, and only those", () => {
  const text = readFileSync("components/kafka/pubsub.yaml", "utf8");
  const named = new Set(text.match(/\b(orders|payments|inventory|dead-letter)\.\w+/g));
  expect(topics.map(({ topic }) => topic).sort()).toEqual([...named].sort());
});
