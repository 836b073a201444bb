import { createHash } from "node:crypto";
import { SeededRandom } from "./seeded-random.ts";

/** Texts that have something of a secret and are none, by kind; other ones for each seed. Each is a line of a Dockerfile or of a log. */
export function lookAlikes(seed: number): Readonly<Record<string, string>> {
  const random = new SeededRandom(seed);
  const bytes = (count: number): Buffer => Buffer.from(Array.from({ length: count }, () => random.below(256)));
  const hash = (algorithm: string, encoding: "hex" | "base64"): string => createHash(algorithm).update(bytes(16)).digest(encoding);
  const hex = (algorithm: string): string => hash(algorithm, "hex");
  const uuid = bytes(16).toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  const word = (): string => random.pick(["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett"]);
  const number = (): number => random.below(10_000);
  return {
    "image by digest": `FROM docker.io/library/alpine:3.${number()}@sha256:${hex("sha256")} AS ${word()}`,
    "image with a port": `FROM registry.example.com:5000/${word()}/${word()}:v1.${number()}@sha256:${hex("sha256")}`,
    "layout by digest": `RUN x oci-layout://${word()}:latest@sha256:${hex("sha256")} docker-image://${word()}:1@sha256:${hex("sha256")}`,
    "layer digest": `exporting manifest sha256:${hex("sha256")} ${number()}B done`,
    commit: `ADD https://github.com/o/${word()}.git#${hex("sha1")}:${word()} /src`,
    "short commit": `LABEL org.opencontainers.image.revision=${hex("sha1").slice(0, 12)}`,
    "checksum of a download": `RUN echo "${hex("sha256")}  ${word()}.tgz" | sha256sum -c -`,
    "checksum variable": `ENV ${word().toUpperCase()}_TOKEN_SHA256=${hex("sha256")} NODE_CHECKSUM=${hex("sha512")}`,
    "ADD checksum": `ADD --checksum=sha256:${hex("sha256")} https://example.com/${word()}.tgz /`,
    integrity: `      "integrity": "sha512-${hash("sha512", "base64")}",`,
    "integrity of yarn": `  integrity sha512-${hash("sha512", "base64")}`,
    "older integrity": `      "integrity": "sha1-${hash("sha1", "base64")}",`,
    "checksum of yarn": `  checksum: 10c0/${hex("sha512")}`,
    "go.sum": `github.com/o/${word()} v1.${number()}.0/go.mod h1:${hash("sha256", "base64")}`,
    "Cargo.lock": `checksum = "${hex("sha256")}"`,
    "pip hash": `RUN pip install ${word()}==1.${number()} --hash=sha256:${hex("sha256")}`,
    uuid: `ENV INSTANCE=${uuid} VOLUME_UUID=${uuid}`,
    "uuid in a URL": `RUN curl -fsSLO https://example.com/files/${uuid}/${word()}.zip`,
    tokenizer: `ARG TOKENIZER=${word()}`,
    "number of tokens": `ENV MAX_TOKENS=${number()} TOKENIZERS_PARALLELISM=false`,
    "file of a password": `ENV PASSWORD_FILE=/run/secrets/${word()} POSTGRES_PASSWORD_FILE=/run/secrets/${word()}`,
    "path under a secret's name": `ENV SSL_PRIVATE_KEY=/etc/ssl/private/${word()}.pem NPM_TOKEN=/run/secrets/${word()} API_SECRET=https://vault.example.com/v1/${word()}`,
    "uuid under a vague name": `ENV SESSION=${uuid} KEY=${uuid}`,
    "name of a secret": `ENV SECRET_NAME=${word()} TOKEN_URL=https://auth.example.com/${word()} KEY_ID=${number()}`,
    "key and value": `RUN ${word()} --set key=${word()} key=value && echo "key=${word()}" && ${word()} --opt key=value`,
    "words about keys": `# The key: ${word()}. Password policy: ${word()}; a token is what ${word()} gives. See secret management.`,
    "secret mount": `RUN --mount=type=secret,id=${word()}_token,env=${word().toUpperCase()}_TOKEN --mount=type=secret,id=${word()},target=/root/.npmrc npm ci`,
    "use of a secret": `RUN TOKEN="$(cat /run/secrets/${word()})" npm ci && [ -n "$TOKEN" ] && test "\${PASSWORD}" != "" && echo "\${API_KEY:-}"`,
    "reference in a URL": `RUN git clone https://oauth2:\${TOKEN}@gitlab.com/o/${word()}.git`.replace("oauth2:", "$USER:"),
    "ssh of git": `RUN --mount=type=ssh git clone git@github.com:o/${word()}.git && git clone ssh://git@github.com/o/${word()}.git`,
    "URL with a port": `RUN curl -fsSL "https://${word()}.example.com:8443/@scope/${word()}?a=${number()}&key=${word()}&ref=v1.${number()}#part" -o /x`,
    "scoped package": `RUN npm i @${word()}/${word()}@1.${number()}.0 ${word()}@npm:@${word()}/${word()}@^2`,
    "public key of ssh": `RUN echo "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${bytes(33).toString("base64").slice(0, 43)} ${word()}@host" >> /etc/keys`,
    "older public key of ssh": `ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ${bytes(192).toString("base64")} ${word()}`,
    "key under a key's name": `ENV DEPLOY_KEY="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${bytes(33).toString("base64").slice(0, 43)} ${word()}@host"`,
    certificate: `-----BEGIN CERTIFICATE-----\n${(bytes(300).toString("base64").match(/.{1,64}/g) ?? []).join("\n")}\n-----END CERTIFICATE-----`,
    "public key": `-----BEGIN PUBLIC KEY-----\n${(bytes(120).toString("base64").match(/.{1,64}/g) ?? []).join("\n")}\n-----END PUBLIC KEY-----`,
    "fingerprint of a key": `ENV GPG_KEY=${hex("sha1").toUpperCase()} GPG_KEYS="${hex("sha1").toUpperCase()} ${hex("sha1").toUpperCase()}"`,
    "keys of a server": `RUN gpg --batch --keyserver hkps://keys.openpgp.org --recv-keys ${hex("sha1").toUpperCase()} && apt-key adv --fetch-keys https://example.com/${word()}.pub`,
    "picture": `RUN echo data:image/png;base64,iVBORw0KGgo${bytes(90).toString("base64")} > /x`,
    "compressed": `RUN echo ${Buffer.concat([Buffer.from([31, 139, 8, 0]), bytes(120)]).toString("base64")} | base64 -d | gunzip`,
    "text in base64": `RUN echo ${Buffer.from(`hello ${word()}, this is ${word()} ${number()}\n`).toString("base64")} | base64 -d`,
    "cache key": `RUN --mount=type=cache,id=${word()}-${hex("md5")},target=/root/.cache true`,
    "cache key of a log": `restored ${word()}-key-${hex("md5")} and node-modules-${hex("sha256")}`,
    "size and time": `#${number()} ${number()}.${number()} Get:${number()} http://deb.debian.org/debian bookworm/main amd64 ${word()}-keyring all 2023.${number()} [${number()} kB]`,
    "user and group": `RUN docker run -u ${number()}:${number()} -p 80:80 x; sudo -u app:app ${word()}; install -o app:app /x; mkdir -p /a`,
    "options of a step": `COPY --from=${word()} --chown=${number()}:${number()} --chmod=644 /a /b`,
    email: `LABEL maintainer="${word()} <${word()}@example.com>" contact=mailto:${word()}@example.com`,
    "switches": `ENV DISABLE_AUTH=true REQUIRE_TOKEN=1 NO_PASSWORD=yes SECRET= PASSWORD=$DB_PASSWORD TOKEN=\${TOKEN}`,
    "agent": `ENV SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0 PWD=/app OLDPWD=/`,
    "words with parts of names": `ENV KEYBOARD=us MONKEY=${word()} AUTHOR="${word()} ${word()}" COMPASS=${word()} BYPASS=${word()} PASSENGER=${word()} SECRETARY=${word()}`,
  };
}
