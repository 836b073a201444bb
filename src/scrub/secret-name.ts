/** BuildKit's rule SecretsUsedInArgOrEnv: one of these words, alone or as the first, last or a middle part of a name. */
const SECRET = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const PUBLIC = /(?:_|^)(?:public|file|version)(?:_|$)/i;

/** The name of an ARG, ENV or build argument that by its wording holds a secret. */
export function isSecretName(name: string): boolean {
  return SECRET.test(name) && !PUBLIC.test(name);
}

const NO_SECRET = /^(?:|0|1|true|false|yes|no|on|off|none|null)$/i;
/** A reference without a default of its own. */
const VARIABLE_ONLY = /^\$(?:\w+|\{\w+(?::?\?[^}]*|:?-)?\})$/;
const OPENPGP_NAME = /(?:_|^)(?:gpg|pgp)_keys?(?:_|$)/i;
const OPENPGP_FINGERPRINTS = /^(?:(?:0x)?[0-9a-f]{8,40}[\s,]*)+$/i;

/**
 * Whether a variable holds a secret. A name alone says too much: `SSH_AUTH_SOCK` is a path that every ssh mount
 * sets, and the `GPG_KEY` of language images is a public fingerprint.
 */
export function isSecretVariable(name: string, value: string): boolean {
  if (!isSecretName(name) || NO_SECRET.test(value) || VARIABLE_ONLY.test(value)) return false;
  if (name === "SSH_AUTH_SOCK") return false;
  return !(OPENPGP_NAME.test(name) && OPENPGP_FINGERPRINTS.test(value));
}

const PROXY = /^(?:https?|ftp|all)_proxy$/i;

/** Of the predefined proxy variables, those whose value is a URL. */
export function isProxyName(name: string): boolean {
  return PROXY.test(name);
}
