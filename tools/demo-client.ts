import { Refusal } from "./say.js";

/** A person at the API: what they ask for is answered, or the demo ends with a sentence. */
export type Client = {
  get: <Answer>(path: string) => Promise<Answer>;
  post: <Answer>(path: string, body: object, headers?: Record<string, string>) => Promise<Answer>;
  put: <Answer>(path: string, body: object) => Promise<Answer>;
};

export function client(url: string, token?: string): Client {
  async function call<Answer>(method: string, path: string, body?: object, headers?: Record<string, string>) {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(body && { "content-type": "application/json" }),
        ...(token && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      body: body && JSON.stringify(body),
    }).catch(() => {
      throw new Refusal(`The system is not running at ${url}: start it with npm start.`);
    });
    const text = await response.text();
    if (response.ok) return (text ? JSON.parse(text) : undefined) as Answer;
    throw new Refusal(`${method} ${path} answered ${response.status}: ${detailOf(text)}`);
  }

  return {
    get: (path) => call("GET", path),
    post: (path, body, headers) => call("POST", path, body, headers),
    put: (path, body) => call("PUT", path, body),
  };
}

export async function tokenOf(url: string, email: string, password: string): Promise<string> {
  return (await client(url).post<{ access_token: string }>("/auth/token", { email, password })).access_token;
}

function detailOf(text: string): string {
  try {
    const { detail, title } = JSON.parse(text);
    return detail ?? title ?? text;
  } catch {
    return text.slice(0, 200) || "(nothing)";
  }
}
