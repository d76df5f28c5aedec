import { connect } from "node:net";

export type Reply = string | number | null | Reply[];

/** One command to a local Redis: enough of the protocol to look after it, without another package. */
export function redis(port: number, command: string[], timeoutMs = 2000): Promise<Reply> {
  return new Promise((done, fail) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: timeoutMs });
    let received = "";
    socket.setEncoding("utf8");
    socket.once("connect", () => socket.write(encode(command)));
    socket.on("data", (chunk) => {
      received += chunk;
      const parsed = parse(received, 0);
      if (!parsed) return;
      socket.destroy();
      if (parsed.reply instanceof Error) fail(parsed.reply);
      else done(parsed.reply);
    });
    socket.once("timeout", () => socket.destroy(new Error(`Redis on port ${port} does not answer`)));
    socket.once("error", fail);
    socket.once("close", () => fail(new Error(`Redis on port ${port} closed the connection`)));
  });
}

export function encode(command: string[]): string {
  return `*${command.length}\r\n${command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join("")}`;
}

/** The reply that starts at `from` and where it ends, or undefined while part of it is still on its way. Keys are ASCII here. */
export function parse(text: string, from: number): { reply: Reply | Error; end: number } | undefined {
  const line = text.indexOf("\r\n", from);
  if (line < 0) return undefined;
  const head = text.slice(from + 1, line);
  const end = line + 2;
  switch (text[from]) {
    case "+":
      return { reply: head, end };
    case "-":
      return { reply: new Error(head), end };
    case ":":
      return { reply: Number(head), end };
    case "$":
      return bulk(text, Number(head), end);
    case "*":
      return list(text, Number(head), end);
    default:
      return { reply: new Error("this is not Redis"), end };
  }
}

function bulk(text: string, length: number, from: number) {
  if (length < 0) return { reply: null, end: from };
  return text.length < from + length + 2
    ? undefined
    : { reply: text.slice(from, from + length), end: from + length + 2 };
}

function list(text: string, count: number, from: number) {
  const reply: Reply[] = [];
  let end = from;
  for (let index = 0; index < count; index++) {
    const item = parse(text, end);
    if (!item) return undefined;
    if (item.reply instanceof Error) return item;
    reply.push(item.reply);
    end = item.end;
  }
  return { reply, end };
}
