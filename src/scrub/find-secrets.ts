import { findAssignments } from "./assignment.ts";
import { findAuthorizations } from "./authorization.ts";
import { findEncodedSecrets } from "./encoded-text.ts";
import type { KnownSecrets } from "./known-secrets.ts";
import { findPrivateKeys } from "./private-key.ts";
import { settleSpans, type SecretSpan } from "./secret-span.ts";
import { findTokens } from "./token-form.ts";
import { findUrlSecrets } from "./url.ts";

/** A file in a file in a file. */
const ENCODINGS_MAX = 3;

export interface FoundSecrets {
  readonly spans: readonly SecretSpan[];
  /** The text ends within a private key. */
  readonly endsInKey: boolean;
}

/** Every secret of a text that is known or shows: by its form, by the name before it, by the place that it stands at. The cost is that of the text's length. */
export function findSecrets(text: string, known: KnownSecrets): readonly SecretSpan[] {
  return findSecretsFrom(text, known, false).spans;
}

/** The same for a part of a text that may begin within a private key. */
export function findSecretsFrom(text: string, known: KnownSecrets, beginsInKey: boolean): FoundSecrets {
  const keys = findPrivateKeys(text, beginsInKey);
  return { spans: settleSpans([...keys.spans, ...plainSecrets(text, known), ...encodedSecrets(text, known, ENCODINGS_MAX)]), endsInKey: keys.isOpen };
}

function plainSecrets(text: string, known: KnownSecrets): readonly SecretSpan[] {
  return [...known.find(text), ...findUrlSecrets(text), ...findTokens(text), ...findAuthorizations(text), ...findAssignments(text)];
}

function encodedSecrets(text: string, known: KnownSecrets, depth: number): readonly SecretSpan[] {
  if (depth === 0) return [];
  return findEncodedSecrets(text, (decoded) => findPrivateKeys(decoded, false).spans.length > 0 || plainSecrets(decoded, known).length > 0 || encodedSecrets(decoded, known, depth - 1).length > 0);
}
