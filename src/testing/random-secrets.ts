import { SeededRandom } from "./seeded-random.ts";

const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER = "abcdefghijklmnopqrstuvwxyz";
const DIGITS = "0123456789";
const ALNUM = UPPER + LOWER + DIGITS;
const HEX = "0123456789abcdef";
const BASE64 = `${ALNUM}+/`;
const BASE64URL = `${ALNUM}-_`;

/** A secret as its issuer would have made it, that nobody has. */
export interface PlantedSecret {
  /** Of what kind it is. */
  readonly kind: string;
  readonly text: string;
  /** True where its own form tells it, whatever stands before it. */
  readonly showsItself: boolean;
}

/** Fresh secrets, the same for the same seed. */
export class RandomSecrets {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** One of each kind. */
  all(): readonly PlantedSecret[] {
    return Object.entries(FORMS).map(([kind, make]) => ({ kind, text: make(this.letters), showsItself: true }));
  }

  /** What a person would choose, or a manager of passwords: only its place tells it. It always has a letter and a digit. */
  password(): string {
    return `${this.letters(LOWER, 4)}${this.letters(ALNUM, 12)}${this.letters(DIGITS, 3)}`;
  }

  /** Lines of a private key between its marks. */
  privateKey(label: "RSA " | "EC " | "OPENSSH " | "ENCRYPTED " | ""): { readonly begin: string; readonly body: readonly string[]; readonly end: string } {
    const body = [...Array.from({ length: 12 }, () => this.letters(BASE64, 64)), `${this.letters(BASE64, 30)}==`];
    return { begin: `-----BEGIN ${label}PRIVATE KEY-----`, body, end: `-----END ${label}PRIVATE KEY-----` };
  }

  readonly letters = (alphabet: string, count: number): string => Array.from({ length: count }, () => alphabet[this.#random.below(alphabet.length)]).join("");
}

type Letters = RandomSecrets["letters"];

const FORMS: Readonly<Record<string, (letters: Letters) => string>> = {
  "aws-key-id": (letters) => `AKIA${letters("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)}`,
  "gcp-api-key": (letters) => `AIza${letters(BASE64URL, 34)}${letters(ALNUM, 1)}`,
  "gcp-oauth": (letters) => `ya29.${letters(BASE64URL, 60)}${letters(ALNUM, 1)}`,
  "gcp-client-secret": (letters) => `GOCSPX-${letters(BASE64URL, 27)}${letters(ALNUM, 1)}`,
  "azure-client-secret": (letters) => `${letters(ALNUM, 3)}8Q~${letters(ALNUM, 34)}`,
  "azure-storage-key": (letters) => `${letters(ALNUM, 76)}+ASt${letters(ALNUM, 6)}==`,
  "azure-service-bus": (letters) => `${letters(BASE64, 33)}+ASb${letters(ALNUM, 6)}=`,
  "azure-search": (letters) => `${letters(ALNUM, 42)}AzSe${letters(ALNUM, 6)}`,
  "azure-devops": (letters) => `${letters(ALNUM, 76)}AZDO${letters(ALNUM, 4)}`,
  "github-classic": (letters) => `ghp_${letters(ALNUM, 36)}`,
  "github-fine-grained": (letters) => `github_pat_${letters(ALNUM, 22)}_${letters(ALNUM, 59)}`,
  "github-app": (letters) => `ghs_${letters(ALNUM, 36)}`,
  "github-refresh": (letters) => `ghr_${letters(ALNUM, 76)}`,
  gitlab: (letters) => `glpat-${letters(BASE64URL, 19)}${letters(ALNUM, 1)}`,
  "gitlab-routable": (letters) => `glpat-${letters(ALNUM, 27)}.01.${letters(LOWER + DIGITS, 9)}`,
  "gitlab-deploy": (letters) => `gldt-${letters(ALNUM, 20)}`,
  npm: (letters) => `npm_${letters(ALNUM, 36)}`,
  pypi: (letters) => `pypi-AgEIcHlwaS5vcmc${letters(BASE64URL, 80)}${letters(ALNUM, 1)}`,
  rubygems: (letters) => `rubygems_${letters(HEX, 48)}`,
  "docker-hub": (letters) => `dckr_pat_${letters(BASE64URL, 26)}${letters(ALNUM, 1)}`,
  slack: (letters) => `xoxb-${letters(DIGITS, 12)}-${letters(DIGITS, 12)}-${letters(ALNUM, 24)}`,
  "slack-app": (letters) => `xapp-1-A${letters(UPPER + DIGITS, 10)}-${letters(DIGITS, 13)}-${letters(HEX, 64)}`,
  stripe: (letters) => `sk_live_${letters(ALNUM, 24)}`,
  "stripe-restricted": (letters) => `rk_live_${letters(ALNUM, 24)}`,
  sendgrid: (letters) => `SG.${letters(ALNUM, 22)}.${letters(ALNUM, 43)}`,
  twilio: (letters) => `SK${letters(HEX, 32)}`,
  mailgun: (letters) => `${letters(HEX, 32)}-${letters(HEX, 8)}-${letters(HEX, 8)}`,
  openai: (letters) => `sk-proj-${letters(ALNUM, 74)}T3BlbkFJ${letters(ALNUM, 74)}`,
  anthropic: (letters) => `sk-ant-api03-${letters(BASE64URL, 92)}${letters(ALNUM, 1)}AA`,
  "hugging-face": (letters) => `hf_${letters(UPPER + LOWER, 34)}`,
  vault: (letters) => `hvs.${letters(BASE64URL, 94)}${letters(ALNUM, 1)}`,
  digitalocean: (letters) => `dop_v1_${letters(HEX, 64)}`,
  shopify: (letters) => `shpat_${letters(HEX, 32)}`,
  telegram: (letters) => `${letters("123456789", 9)}:AA${letters(BASE64URL, 32)}${letters(ALNUM, 1)}`,
  databricks: (letters) => `dapi${letters(HEX, 32)}`,
  age: (letters) => `AGE-SECRET-KEY-1${letters("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)}`,
  jwt: (letters) => [`{"alg":"HS256","typ":"JWT"}`, `{"sub":"${letters(ALNUM, 12)}"}`].map((part) => Buffer.from(part).toString("base64url")).join(".") + `.${letters(BASE64URL, 42)}${letters(ALNUM, 1)}`,
};
