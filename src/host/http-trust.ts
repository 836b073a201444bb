import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SecureContext } from "node:tls";
import type { Environment } from "./environment.ts";
import { nodeTls } from "./network-modules.ts";

/** What one server asks of TLS beyond what the machine trusts. */
export interface TlsSettings {
  /** PEM texts of authorities, beside those of the machine. */
  readonly ca: readonly string[];
  /** PEM texts with which we show who we are. Never shown to another origin. */
  readonly keypairs: ReadonlyArray<{ readonly cert: string; readonly key: string }>;
  /** Any certificate will do. */
  readonly insecure: boolean;
}

/** Where Linux distributions keep the machine's authorities in one file; reading it is ten times faster than asking Node. */
export const CERTIFICATE_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
] as const;

/** The machine's authorities and those of SSL_CERT_FILE, SSL_CERT_DIR and NODE_EXTRA_CA_CERTS. Rejects if a named file cannot be read. */
export async function trustedAuthorities(env: Environment): Promise<readonly string[]> {
  const named = [env["SSL_CERT_FILE"], env["NODE_EXTRA_CA_CERTS"]].filter((path): path is string => path !== undefined && path !== "");
  const [machine, files, directories] = await Promise.all([
    machineAuthorities(),
    Promise.all(named.map((path) => readFile(path, "utf8"))),
    Promise.all((env["SSL_CERT_DIR"] ?? "").split(":").filter(Boolean).map(readCertificates)),
  ]);
  return [...machine, ...files, ...directories.flat()];
}

/** One context for all connections with these settings: parsing the authorities costs milliseconds. */
export function secureContext(authorities: readonly string[], settings: TlsSettings): SecureContext {
  return nodeTls().createSecureContext({
    ca: [...authorities, ...settings.ca],
    ...(settings.keypairs.length === 0 ? {} : { cert: settings.keypairs.map(({ cert }) => cert), key: settings.keypairs.map(({ key }) => key) }),
  });
}

/** The file with the machine's authorities; undefined where the system keeps them in another way. */
export function machineBundle(): string | undefined {
  return CERTIFICATE_BUNDLES.find((path) => existsSync(path));
}

async function machineAuthorities(): Promise<readonly string[]> {
  const bundle = machineBundle();
  if (bundle !== undefined) return [await readFile(bundle, "utf8")];
  const system = [...new Set(nodeTls().getCACertificates("system"))];
  // A container image without certificates is common; Mozilla's list, which Node brings, is the better answer than none.
  return system.length > 0 ? system : nodeTls().rootCertificates;
}

async function readCertificates(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory() && /\.(pem|crt|cer)$/.test(entry.name)).map((entry) => entry.name);
  return await Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
}
