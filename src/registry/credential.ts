/** What we show a registry. */
export type Credential =
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, exchanged at the registry's token service. */
  | { readonly kind: "identity"; readonly token: string }
  /** Sent as it is. */
  | { readonly kind: "bearer"; readonly token: string };

/** A credential, and where it was found: an error that does not say that sends people to the wrong file. */
export interface FoundCredential {
  readonly credential: Credential;
  /** For people: a path, a variable, a helper's name, "the client's session". */
  readonly source: string;
}

/** Who we are to each registry. */
export interface CredentialStore {
  /** Where it looks, for people; shown when nothing was found. */
  readonly places: string;
  /** `host` as in references: `docker.io`, `ghcr.io`, `localhost:5000`. Throws CredentialError where a place cannot be read. */
  find(host: string, signal: AbortSignal): Promise<FoundCredential | undefined>;
}

/** A file that is no JSON, a helper that is missing or fails. */
export class CredentialError extends Error {
  override readonly name = "CredentialError";
  readonly code = "credentials";
  readonly retryable = false;
}

/** For those who pull what is public, and for tests. */
export const anonymousCredentials: CredentialStore = {
  places: "no place: credentials are switched off",
  find: async () => undefined,
};

/** `user "x"`, as messages name it. Never the secret. */
export function describeIdentity(found: FoundCredential | undefined): string {
  if (found === undefined) return "nobody";
  const { credential, source } = found;
  return `${credential.kind === "basic" ? `user ${JSON.stringify(credential.username)}` : "a token"} (from ${source})`;
}
