import { createServer } from "node:http";
import { text } from "node:stream/consumers";

type Answer = [status: number, body: unknown];

/** Answers JSON on this port of this machine. */
export function serve(port: number, answer: (request: string, body: string) => Promise<Answer>): void {
  createServer(async (request, response) => {
    try {
      const [status, body] = await answer(`${request.method} ${request.url}`, await text(request));
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    } catch (error) {
      console.error(error);
      response.writeHead(500).end();
    }
  }).listen(port, "127.0.0.1");
}
