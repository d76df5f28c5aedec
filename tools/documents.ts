import { withPlans } from "../bench/scale-page.js";
import { asyncapi } from "../contracts/asyncapi.js";
import { openapi } from "../contracts/openapi.js";
import { version } from "../kit/version.js";
import { clusterAccess } from "./cluster-access.js";
import { metricsPage } from "./metrics-page.js";
import { withSettings } from "./settings-page.js";
import { markdown, withServices } from "./tables.js";

const json = (document: object) => `${JSON.stringify(document, null, 2)}\n`;

/** Every file that is made from the contracts: its path, and its right content, given what is there now. */
export const documents: Record<string, (present: string) => string> = {
  "docs/api/openapi.json": () => json(openapi(version)),
  "docs/api/asyncapi.json": () => json(asyncapi(version)),
  "docs/api/README.md": markdown,
  "docs/configuration.md": withSettings,
  "docs/metrics.md": metricsPage,
  "docs/scale.md": withPlans,
  "deploy/kubernetes/base/access.yaml": clusterAccess,
  "README.md": withServices,
};
