import { once } from "node:events";
import PostalMime, { type Email } from "postal-mime";
import { SMTPServer } from "smtp-server";
import { mailPort } from "./settings.js";

type Caught = Email & { recipients: string[] };

/** A mail server that keeps what it is given. */
export function catcher() {
  const mails: Caught[] = [];
  let server: SMTPServer | undefined;
  return {
    async open(): Promise<void> {
      server = new SMTPServer({
        disabledCommands: ["AUTH", "STARTTLS"],
        onData(stream, { envelope }, done) {
          const chunks: Buffer[] = [];
          stream.on("data", (chunk: Buffer) => chunks.push(chunk));
          stream.on("end", async () => {
            const recipients = envelope.rcptTo.map(({ address }) => address);
            mails.push({ ...(await PostalMime.parse(Buffer.concat(chunks))), recipients });
            done();
          });
        },
      });
      server.listen(mailPort, "127.0.0.1");
      await once(server.server, "listening");
    },
    close: () => new Promise<void>((closed) => (server ? server.close(closed) : closed())),
    to: (address: string) => mails.filter(({ recipients }) => recipients.includes(address)),
  };
}
