import { canonicalJson } from "../content/canonical-json.ts";
import { digestOf, type Digest } from "../content/digest.ts";

declare const cacheKeyBrand: unique symbol;

/** Identifies the result of an operation on given inputs, before it has run. */
export type CacheKey = string & { readonly [cacheKeyBrand]: "CacheKey" };

/** How one input takes part in a key: by the key of what made it, or by the content that is used of it. */
export type KeyedInput =
  | { readonly kind: "made-by"; readonly key: CacheKey; readonly index: number }
  | { readonly kind: "content"; readonly digest: Digest };

/** Pure, so that every question about why something was rebuilt can be asked in a test. */
export function cacheKey(operation: Digest, inputs: readonly KeyedInput[]): CacheKey {
  // Order is meaning: `COPY a b` is not `COPY b a`.
  return digestOf(Buffer.from(canonicalJson([operation, inputs]))) as string as CacheKey;
}
