import { type Client, createClient, type Fetch, must, ProblemError } from "../client/client.js";
import { Refusal } from "./say.js";

type Headers = Record<string, string>;

/** The API as one person meets it; where nothing answers the demo ends with a sentence. */
export const person = (url: string, token?: string, extra: Headers = {}): Client =>
  createClient({
    url,
    token,
    fetch: (address, init) => reach(address, { ...init, headers: { ...init.headers, ...extra } }),
    validate: true,
  });

/** What was asked for; a refusal ends the story with a sentence. */
export const got: typeof must = (asked) =>
  must(asked).catch((error) => {
    throw error instanceof ProblemError ? new Refusal(`The system answered ${error.message}`) : error;
  });

export async function tokenOf(url: string, email: string, password: string, extra?: Headers): Promise<string> {
  return (await got(person(url, undefined, extra).signIn({ body: { email, password } }))).access_token;
}

/** The payment provider or a sidecar, who are not the API: a question with a body is a POST, without one a GET. */
export type Other = <T>(path: string, body?: object) => Promise<T>;
export const other =
  (url: string, extra: Headers = {}): Other =>
  async <T>(path: string, body?: object) => {
    const method = body ? "POST" : "GET";
    const headers = { "content-type": "application/json", ...extra };
    const response = await reach(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const text = await response.text();
    if (!response.ok) throw new Refusal(`${method} ${path} answered ${response.status}: ${text.slice(0, 500)}`);
    return (text ? JSON.parse(text) : undefined) as T;
  };

/** What opens a sidecar, or an app to who does not come through one. */
export const opening = (token: string): Headers => ({ "dapr-api-token": token });

const reach: Fetch = (url, init) =>
  fetch(url, init).catch(() => {
    throw new Refusal(`Nothing answers at ${new URL(url).origin}: start the system with npm start.`);
  });
