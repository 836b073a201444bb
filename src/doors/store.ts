/** Keeping a state root in order. Not a subpath export: it is the command's. */
export { TemplateError } from "../template/template-error.ts";
export { checkStore, type FoundDamage, type StoreCheck } from "../upkeep/check-store.ts";
export { diskUsage } from "../upkeep/disk-usage.ts";
export { openStore, type OpenStore } from "../upkeep/open-store.ts";
export { prune, type PrunePolicy } from "../upkeep/prune.ts";
export { flagFilter } from "../upkeep/usage-filter.ts";
export type { UsageRecord } from "../upkeep/usage-record.ts";
export { humanSize, parseSize } from "../upkeep/size.ts";
export { prunedText, usageText } from "../upkeep/usage-text.ts";
