/** An in-toto statement that goes with an image or a result, ready to be written. */
export interface Statement {
  readonly predicateType: string;
  readonly bytes: Uint8Array;
  /** Name of the file that holds it where there is no image: `provenance.json`. */
  readonly filename: string;
}
