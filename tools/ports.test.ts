import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { instanceOf, portOf } from "./instance.js";
import { checkPorts, listening } from "./ports.js";

async function someListener() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

test("a port that browsers refuse is refused at once", async () => {
  await expect(checkPorts({ "api-gateway": 10080 }, 10080)).rejects.toThrow("use other ports with PORT_BASE=20080");
});

test("names the taken port, what wanted it, and a way out", async () => {
  const { server, port } = await someListener();

  await expect(checkPorts({ order: port }, 8080)).rejects.toThrow(
    `Port ${port}, wanted for order, is taken by another program: stop that program (npm stop, if it is this system), ` +
      "or use other ports with PORT_BASE=20080 npm start.",
  );
  server.close();
});

test("sees who listens and who does not", async () => {
  const { server, port } = await someListener();
  expect(await listening(port)).toBe(true);

  server.close();
  await once(server, "close");

  expect(await listening(port)).toBe(false);
  await checkPorts({ order: port }, 8080);
});

test("reads PORT_BASE and refuses what is no port", () => {
  expect(portOf(undefined)).toBe(8080);
  expect(portOf("18080")).toBe(18080);
  expect(() => portOf("many")).toThrow("PORT_BASE=many is not a port from 6080 to 65000");
});

test("keeps every instance in a folder of its own", () => {
  expect(instanceOf({ portBase: 8080 })).toMatchObject({ offset: 0, dir: expect.stringMatching(/\/\.run$/) });
  expect(instanceOf({ portBase: 18080 })).toMatchObject({
    offset: 10000,
    dir: expect.stringMatching(/\/\.run-18080$/),
  });
});
