/** Why an image, or what is recorded of it, could not be read. */
export type ImageErrorCode =
  /** There is no such image, platform, layer or record. */
  | "not-found"
  /** A document is not what its media type says. */
  | "corrupt"
  /** The question must be put differently. */
  | "usage";

export class ImageError extends Error {
  override readonly name = "ImageError";
  readonly code: ImageErrorCode;
  readonly retryable = false;

  constructor(code: ImageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
