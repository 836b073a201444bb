/** Records that are published beside images: taken out, attached, carried along, masked, cleared away. */
export { attachEvidence, type AttachedEvidence, type AttachRequest } from "../evidence/attach-evidence.ts";
export { EvidenceError, type EvidenceErrorCode } from "../evidence/evidence-error.ts";
export { getEvidence, type EvidenceQuestion, type FoundEvidence } from "../evidence/get-evidence.ts";
export type { StatementLayer, StatementPlace, StatementWrap } from "../trace/statement.ts";
export { createImage, previewImage, type CreatedImage, type CreateOptions, type CreateRequest } from "../evidence/create/create-image.ts";
export { collectEvidence, planEvidenceCollection, type Collected, type CollectionRequest } from "../evidence/gc/collect-evidence.ts";
export type { CollectionPlan, Kept, Removal } from "../evidence/gc/plan-collection.ts";
export { deleteOldEvidence, type OldEvidence } from "../evidence/scrub/old-evidence.ts";
export { scrubEvidence, type ScrubbedRecord, type ScrubReport, type ScrubRequest } from "../evidence/scrub/scrub-evidence.ts";
export type { Redaction } from "../scrub/scrubber.ts";
