import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";

export type Journal<Entry> = {
  append: (entry: Entry) => Promise<void>;
  /** Resolves when everything appended so far is on the disk. */
  settled: () => Promise<void>;
  close: () => Promise<void>;
};

/** An append-only file of JSON lines: `append` resolves when the entry has been synced, one sync for all that wait. */
export async function openJournal<Entry>(path: string, replay: (entry: unknown) => void): Promise<Journal<Entry>> {
  const file = await open(path, "a+");
  await syncDirectory(dirname(path));
  await replayLines(file, replay);

  let waiting: { line: string; synced: () => void }[] = [];
  let writing = false;
  let last = Promise.resolve();

  async function write() {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await file.appendFile(batch.map(({ line }) => line).join(""));
      await file.datasync();
      for (const { synced } of batch) synced();
    }
    writing = false;
  }

  return {
    append(entry) {
      last = new Promise((synced) => waiting.push({ line: `${JSON.stringify(entry)}\n`, synced }));
      // Not caught on purpose: when the disk refuses, what was written is unknown and only a restart can tell.
      if (!writing) void write();
      return last;
    },
    settled: () => last,
    async close() {
      await last;
      await file.close();
    },
  };
}

async function replayLines(file: FileHandle, replay: (entry: unknown) => void) {
  const bytes = await file.readFile();
  const end = bytes.lastIndexOf("\n") + 1;
  // A line without its end was cut by a crash before anyone was answered.
  if (end < bytes.length) await file.truncate(end);
  for (const line of bytes.toString("utf8", 0, end).split("\n")) if (line) replay(JSON.parse(line));
}

async function syncDirectory(path: string) {
  const directory = await open(path, "r");
  await directory.sync();
  await directory.close();
}
