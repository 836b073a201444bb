export type LayerStoreErrorCode =
  | "missing-layer" // no such layer in this store
  | "damaged-layer" // what is on disk is not what was written
  | "newer-state" // written by a newer version
  | "unsupported-tree"; // a tree that cannot become a layer

/** What the layer store cannot do. Nothing of it goes away by trying again. */
export class LayerStoreError extends Error {
  override readonly name = "LayerStoreError";
  readonly code: LayerStoreErrorCode;
  readonly retryable = false;

  constructor(code: LayerStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
