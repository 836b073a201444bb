/** What is recorded of an image: shown as it is, or walked back from a file to the line and the commit that it comes from. */
export { ImageError, type ImageErrorCode } from "../trace/image-error.ts";
export type { ImageRecord } from "../trace/image-record.ts";
export type { PlatformImage } from "../trace/platform-image.ts";
export type { StatementLayer } from "../trace/statement.ts";
export { openOciLayout, type ImageSource, type OciLayout } from "../registry/oci-layout.ts";
export { openImage, type ImageSources, type OpenImage, type OpenImageOptions } from "../trace/open-image.ts";
export { inspectImage, type InspectOptions } from "../trace/inspect.ts";
export { TemplateError } from "../template/template-error.ts";
export { traceImage } from "../trace/trace.ts";
export { traceText } from "../trace/trace-text.ts";
export type { Revision } from "../trace/build-record.ts";
export type { FollowedLink, PathFinding } from "../trace/find-path.ts";
export type { LayerMatch } from "../trace/layer-origin.ts";
export type {
  TraceAnswer, TracedBase, TracedImage, TracedLayer, TracedLines, TracedOrigin, TracedRecord, TracedStep, TraceQuestion,
} from "../trace/trace-answer.ts";
