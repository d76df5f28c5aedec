import { timed } from "../../kit/metrics.js";
import type { Provider } from "./provider.js";

const name = "payments.provider.duration";

/** The same provider; what it takes and what comes of it is recorded. */
export const measured = (provider: Provider): Provider => ({
  ...provider,
  charge: (...asked) =>
    timed(
      name,
      { operation: "charge" },
      () => provider.charge(...asked),
      ({ kind }) => kind,
    ),
  refund: (payment) =>
    timed(
      name,
      { operation: "refund" },
      () => provider.refund(payment),
      ({ kind }) => kind,
    ),
});
