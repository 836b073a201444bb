import { RandomSecrets } from "../../src/testing/random-secrets.ts";

/** What a build is given that holds secrets, and which of them its image keeps. */
export interface Planted {
  readonly dockerfile: string;
  readonly flags: readonly string[];
  /** Secrets that no output may show, by their places. */
  readonly hidden: ReadonlyMap<string, string>;
  /** Secrets that the image needs, by the words that a warning tells each place with. */
  readonly kept: ReadonlyMap<string, string>;
}

export interface PlantedAddresses {
  /** `http://127.0.0.1:port`, that gives any file. */
  readonly web: string;
  /** The same for repositories. */
  readonly git: string;
}

/** Secrets of every kind at every place of a Dockerfile and of a command line. `head` begins with FROM. */
export function plant(secrets: RandomSecrets, head: string, { web, git }: PlantedAddresses): Planted {
  const hidden = new Map<string, string>();
  const kept = new Map<string, string>();
  /** One of each kind, fresh: what shows itself, and a password that only its place tells. */
  const kinds = (): ReadonlyArray<readonly [kind: string, text: string]> => [...secrets.all().map(({ kind, text }) => [kind, text] as const), ["password", secrets.password()]];
  const each = (place: string, into: Map<string, string>, write: (text: string, name: string) => string): readonly string[] =>
    kinds().map(([kind, text]) => {
      const name = `${kind.replaceAll("-", "_").toUpperCase()}_TOKEN`;
      into.set(into === kept ? `${place} ${name}` : `${place}: ${kind}`, text);
      return write(text, name);
    });
  const one = (place: string): string => {
    const text = secrets.password();
    hidden.set(place, text);
    return text;
  };
  const withAuthority = (url: string, place: string): string => url.replace("://", `://user-${place.replaceAll(/\W/g, "")}:${one(place)}@`);
  const key = secrets.privateKey("OPENSSH ");
  for (const [i, line] of key.body.entries()) hidden.set(`private key, line ${i}`, line);
  const dockerfile = [
    head,
    ...each("comment", hidden, (text, name) => `# ${name}: ${text}`),
    ...each("ARG default", hidden, (text, name) => `ARG DEFAULT_${name}=${text}`),
    ...each("build-arg", hidden, () => "").map((_empty, i) => `ARG GIVEN_${i}_TOKEN`),
    ...each("ENV", kept, (text, name) => `ENV ${name}=${text}`),
    ...each("LABEL", kept, (text, name) => `LABEL ${name}="${text}"`),
    `RUN ${each("RUN", hidden, (text, name) => `echo ${name}=${text} >/dev/null`).join(" && \\\n    ")}`,
    `RUN <<SCRIPT\n${each("here-document", hidden, (text, name) => `export ${name}=${text}`).join("\n")}\ntrue\nSCRIPT`,
    `RUN echo "${[key.begin, ...key.body, key.end].join("\\n\\\n")}" >/dev/null`,
    `RUN echo ${Buffer.from(`{"auths":{"h":{"auth":"${Buffer.from(`u:${one("base64 within base64")}`).toString("base64")}"}}}`).toString("base64")} >/dev/null`,
    `RUN printf 'machine h login u password ${one(".netrc")}\\n' >/dev/null; printf '//h/:_authToken=${one(".npmrc")}\\n' >/dev/null`,
    `RUN true || curl -u user:${one("curl -u")} -H "Authorization: Bearer ${one("Bearer")}" https://host/ || git clone git:${one("scp form")}@host:o/r.git`,
    `ADD ${withAuthority(web, "ADD")}/file?access_token=${one("ADD parameter")} /added`,
    `COPY --from=lib /lib.txt /lib.txt`,
    `RUN --mount=type=secret,id=file --mount=type=secret,id=variable,env=SEEN cat /run/secrets/file && echo "seen $SEEN"`,
    `RUN --mount=type=ssh true`,
    `RUN echo "printed $GIVEN_0_TOKEN" && echo "$DEFAULT_PASSWORD_TOKEN" && echo "$HTTP_PROXY"`,
    `COPY <<CONF /conf\npassword=${keep(kept, "COPY <<CONF", secrets.password())}\nCONF`,
    `CMD ["serve", "--password", "${keep(kept, "CMD", secrets.password())}"]`,
    "",
  ].join("\n");
  const given = [...hidden].filter(([place]) => place.startsWith("build-arg: ")).map(([, text]) => text);
  const flags = [
    ...given.flatMap((text, i) => ["--build-arg", `GIVEN_${i}_TOKEN=${text}`]),
    "--build-arg", `HTTP_PROXY=http://user:${one("proxy")}@127.0.0.1:1`,
    "--build-context", `lib=${withAuthority(git, "named context")}/lib.git`,
    "--label", `flag.token=${keep(kept, "LABEL flag.token", secrets.password())}`,
    "--annotation", `note.token=${keep(kept, "annotation note.token", secrets.password())}`,
  ];
  return { dockerfile, flags, hidden, kept };
}

function keep(kept: Map<string, string>, place: string, text: string): string {
  kept.set(place, text);
  return text;
}
