/** A refusal that the client is told about as RFC 9457 problem details. Never thrown for a fault of ours. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly extra: Record<string, unknown> = {},
    /** Seconds after which the client may try again. */
    readonly retryAfter?: number,
  ) {
    super(detail);
  }
}

/** A needed part is away: 503 with Retry-After; nothing was changed that a repeat would not find. */
export class Unavailable extends Error {
  constructor(
    readonly part: string,
    cause?: unknown,
  ) {
    super(`${part} is away`, { cause });
  }
}

/** An event that can never be handled: it becomes a dead letter of its consumer and is acknowledged. */
export class Unhandleable extends Error {}

/** An event about something that is not known yet: it is kept and tried again, and becomes a dead letter after a minute. */
export class Early extends Error {}
