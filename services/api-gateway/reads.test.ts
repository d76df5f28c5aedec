import { expect, test } from "vitest";
import type { Answer, Ask } from "./forward.js";
import { readTogether } from "./reads.js";

const hers = "00000000-0000-4000-8000-00000000000a";
const another = "00000000-0000-4000-8000-00000000000b";

/** An order service that knows one order, whom it shows to one bearer; what it was asked. */
function orders({ broken = false } = {}) {
  const asked: string[] = [];
  const may = (id: string, bearer: string | undefined) => id === hers && bearer === "Bearer hers";
  const ask: Ask = async (app, { method, path, headers, body }) => {
    asked.push(`${method} ${path}`);
    await new Promise(setImmediate);
    const answer = (statusCode: number, body: object): Answer => ({
      statusCode,
      headers: {},
      text: JSON.stringify(body),
    });
    if (app !== "order") return answer(200, { of: app });
    if (path !== "/rpc/orders")
      return may(path.slice(8), headers.authorization) ? answer(200, { id: hers }) : answer(404, {});
    if (broken) return answer(503, { status: 503 });
    const all = (JSON.parse(String(body)).asked as { id: string; authorization: string }[]).map(
      ({ id, authorization }) =>
        may(id, authorization) ? { etag: '"3"', text: JSON.stringify({ id, together: true }) } : null,
    );
    return answer(200, { orders: all });
  };
  const read = readTogether(ask);
  return {
    asked,
    get: (path: string, authorization = "Bearer hers", app = "order", method = "GET") =>
      read(app, { method, path, headers: { authorization }, body: null }),
  };
}

test("who is alone asks as it came", async () => {
  const service = orders();
  expect(await service.get(`/orders/${hers}`)).toMatchObject({ statusCode: 200, text: JSON.stringify({ id: hers }) });
  expect(service.asked).toEqual([`GET /orders/${hers}`]);
});

test("who comes while others are under way asks with them, each in its own name; refusals are the service's own", async () => {
  const service = orders();
  for (const lane of [1, 2, 3, 4]) {
    void service.get(`/orders/${hers}`);
    if (lane < 4) await new Promise(setImmediate);
  }
  const stranger = service.get(`/orders/${hers}`, "Bearer another's");
  const [seen, missing] = [service.get(`/order/${hers}`), service.get(`/orders/${another}`)];
  expect(await seen).toMatchObject({ statusCode: 200, headers: { etag: '"3"' } });
  expect((await seen).text).toBe(JSON.stringify({ id: hers, together: true }));
  expect([(await stranger).statusCode, (await missing).statusCode]).toEqual([404, 404]);
  expect(service.asked.filter((what) => what === "POST /rpc/orders")).toHaveLength(1);
});

test("where that way is closed everybody asks alone", async () => {
  const service = orders({ broken: true });
  const answers = await Promise.all(Array.from({ length: 8 }, () => service.get(`/orders/${hers}`)));
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(answers.map(() => 200));
});

test.each([
  ["a list", "/orders?limit=20", "GET"],
  ["an order's timeline", `/orders/${hers}/timeline`, "GET"],
  ["what is no id", "/orders/00000000-0000-4000-8000-0000000000", "GET"],
  ["a query", `/orders/${hers}?a=b`, "GET"],
  ["a command", `/orders/${hers}`, "PATCH"],
])("%s goes its own way", async (_, path, method) => {
  const service = orders();
  await Promise.all([1, 2, 3].map(() => service.get(path, "Bearer hers", "order", method)));
  expect(service.asked).toEqual([1, 2, 3].map(() => `${method} ${path}`));
});

test("so does what another service is asked, and who does not say who it is", async () => {
  const service = orders();
  await Promise.all([1, 2].map(() => service.get(`/orders/${hers}`, "Bearer hers", "payment")));
  await Promise.all([1, 2].map(() => service.get(`/orders/${hers}`, "")));
  expect(service.asked).toEqual([1, 2, 3, 4].map(() => `GET /orders/${hers}`));
});
