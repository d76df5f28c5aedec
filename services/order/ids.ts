import { v5 } from "uuid";

/** Namespace of ids made from business keys. */
const namespace = "5f3a9c52-7d0e-4c1b-9a55-3d1c58a6b0f4";

/** The same customer and Idempotency-Key always make the same order. */
export const orderIdOf = (customer: string, key: string): string => v5(`${customer} ${key}`, namespace);
/** The same reference of a payment recorded by staff is the same payment. */
export const recordedPaymentId = (order: string, reference: string): string => v5(`${order} ${reference}`, namespace);
