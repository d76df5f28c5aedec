import type { Workflow } from "../../kit/workflow.js";
import { orderSaga, sagaName } from "./saga.js";

/** Every version whose orders may still be under way. New orders start with `sagaName`; a version goes when its last order has ended. */
export const sagas: Record<string, Workflow<never>> = { "order-saga-v1": orderSaga, [sagaName]: orderSaga };
