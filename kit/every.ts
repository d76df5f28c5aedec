export type Loop = { stop: () => void };

/** Runs `work` again and again, each time `pause` milliseconds after it ended; a failure is reported, and it goes on. */
export function every(pause: number, work: () => Promise<void>, report: (error: unknown) => void): Loop {
  let next: NodeJS.Timeout;
  let stopped = false;
  const again = async () => {
    await work().catch(report);
    if (!stopped) next = setTimeout(() => void again(), pause);
  };
  next = setTimeout(() => void again(), 100);
  return {
    stop() {
      stopped = true;
      clearTimeout(next);
    },
  };
}
