import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { existsSync } from "node:fs";
import { runProcess } from "../host/process.ts";

/** An authority of our own, a server's certificate for this machine, `registry.example` and other names, and a client's. PEM texts, and the paths where they lie. */
export interface Certificates extends AsyncDisposable {
  readonly directory: string;
  readonly ca: string;
  readonly caPath: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly serverPaths: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

/** For node:test: the reason to skip, or false where openssl is here. */
export const opensslSkip: string | false = (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, "openssl")))
  ? false
  : "openssl is not installed";

export async function makeCertificates(...names: readonly string[]): Promise<Certificates> {
  const directory = await mkdtemp(join(tmpdir(), "stemma-certificates-"));
  const openssl = async (...args: readonly string[]): Promise<void> => {
    const { exitCode, stderr } = await runProcess({ argv: ["openssl", ...args], cwd: directory, env: { PATH: process.env["PATH"] } }, AbortSignal.timeout(30_000));
    if (exitCode !== 0) throw new Error(`openssl ${args[0]}: ${stderr.toString()}`);
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"] as const;
  await openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=stemma test authority");
  await writeFile(join(directory, "server.ext"), `subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:registry.example${names.map((each) => `,DNS:${each}`).join("")}\n`);
  for (const name of ["server", "client"]) {
    const extensions = name === "server" ? ["-extfile", "server.ext"] : [];
    await openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=stemma test ${name}`);
    await openssl("x509", "-req", "-in", `${name}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", `${name}.pem`, "-days", "2", ...extensions);
  }
  const read = async (name: string): Promise<string> => await readFile(join(directory, name), "utf8");
  return {
    directory,
    ca: await read("ca.pem"),
    caPath: join(directory, "ca.pem"),
    server: { cert: await read("server.pem"), key: await read("server.key") },
    serverPaths: { cert: join(directory, "server.pem"), key: join(directory, "server.key") },
    client: { cert: await read("client.pem"), key: await read("client.key") },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
