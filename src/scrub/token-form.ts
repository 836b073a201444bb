import { MASK } from "./url.ts";

/** Secrets that tell themselves by their form, whatever they are called. Each form is its issuer's own. */
const TOKEN_FORMS: readonly RegExp[] = [
  /\bgh[pousr]_[A-Za-z0-9]{36,}\b/g, // GitHub
  /\bgithub_pat_[A-Za-z0-9_]{22,}\b/g,
  /\bglpat-[A-Za-z0-9_-]{20,}/g, // GitLab
  /\bnpm_[A-Za-z0-9]{36}\b/g,
  /\bpypi-AgE[A-Za-z0-9_-]{50,}/g,
  /\bdckr_pat_[A-Za-z0-9_-]{20,}/g, // Docker Hub
  /\bxox[abeprs]-[A-Za-z0-9-]{10,}/g, // Slack
  /\b(?:sk|rk)_live_[A-Za-z0-9]{16,}\b/g, // Stripe
  /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/g, // JSON web token
];
const PRIVATE_KEY = /(-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----)([\s\S]*?)(-----END (?:[A-Z0-9]+ )*PRIVATE KEY-----)/g;
const AUTHORIZATION = /(\bauthorization["']?\s*[:=]\s*["']?(?:bearer|basic|token)\s+)([A-Za-z0-9+/=._~-]{6,})/gi;

/** Masks tokens, the bodies of private keys and the values of Authorization headers. The number of lines stays. */
export function redactTokensIn(text: string): string {
  let redacted = text;
  for (const form of TOKEN_FORMS) redacted = redacted.replace(form, MASK);
  return redacted
    .replace(PRIVATE_KEY, (_whole, begin: string, body: string, end: string) => begin + body.replace(/[^\s\\]+/g, MASK) + end)
    .replace(AUTHORIZATION, `$1${MASK}`);
}
