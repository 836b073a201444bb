import assert from "node:assert/strict";
import { test } from "node:test";
import { RandomSecrets } from "../testing/random-secrets.ts";
import { Scrubber, scrubText } from "./scrubber.ts";

const SEED = Number(process.env["SEED"] ?? process.hrtime.bigint() % 1_000_000n);
const secrets = new RandomSecrets(SEED);
const ROUNDS = 20;

/** Where a secret stands that shows itself; `@` is its place. */
const ANYWHERE = [
  "RUN x @", "# see @", 'RUN x "@"', "RUN x '@' y", "RUN x --opt=@", "RUN (x @)", 'RUN ["x","@"]', "@", "RUN x <@>", "RUN x a:@", "RUN x @; y", "RUN x @|y", "RUN x `x @`", "RUN x @\\\n  y", "RUN x \\\n@ \\\n y",
  "ARG X=@", "ENV X=@ Y=b", 'LABEL x.y="@"', "RUN <<EOF\n@\nEOF", "RUN x https://example.com/@/y", "RUN x https://example.com/?x=@&y=b", "RUN x {\"a\":\"@\"}", "RUN x \\\"@\\\"", "#3 0.123 @", "error: @: denied", "x, @, y",
];

test("a token that its issuer gave is masked wherever it stands, and nothing beside it", (t) => {
  t.diagnostic(`SEED=${SEED}`);
  for (const { kind, text } of secrets.all()) for (const place of ANYWHERE) assert.equal(scrubText(place.replaceAll("@", text)), place.replaceAll("@", "xxxxx"), kind);
});

/** Where only the place tells a secret. */
const PLACES = [
  // URLs
  "https://user:@§host.example/x", "https://@§host.example/x", "RUN x 'https://user:@§host.example/x'", "git+https://user:@§host.example/x.git#main:dir", "ftp://u:@§h/x", "redis://:@§h:6379/0", "postgres://app:@§db/x", "mongodb+srv://u:@§c.example/x?retry=true",
  "amqps://u:@§h/v", "ssh://git:@§host/x", "sftp://u:@§host/x", "//u:@§host/x", "user:@§host.example:o/r.git", "git:@§github.com:o/r.git", "u:@§proxy:3128", "u:@§tcp(db:3306)/x", "jdbc:mysql://h/db?user=x&password=@",
  "https://host/x?token=@", "https://host/x?a=b&access_token=@&c=d", "https://host/x?sig=@&se=1", "https://host/x?X-Amz-Signature=@", "https://host/x?private_token=@#y", "https://host/x?api_key=@", "https%3A%2F%2Fuser%3A@%40host%2Fx", "https://h/?u=https%3A%2F%2Fh%2F%3Ftoken%3D@%26a%3Db",
  "https:\\/\\/user:@§host\\/x",
  // shells and options
  "RUN export MY_TOKEN=@ && x", "RUN MY_PASSWORD='@' x", 'RUN MY_SECRET="@" x', "RUN x --password @ y", "RUN x --password=@ y", "RUN x --api-key '@'", 'RUN ["x","--token","@"]', "RUN x --auth-token=@", "RUN PGPASSWORD=@ psql", "RUN x -Dpassword=@",
  "RUN curl -u user:@ https://h/", "RUN curl \\\n  --user user:@ \\\n  https://h/", 'RUN ["curl","-u","user:@","https://h/"]', "RUN docker login -u user -p @ host", "RUN mysql -u root -p@ x", "RUN sshpass -p @ ssh h", "RUN redis-cli -a @ ping", "RUN openssl x -passin pass:@",
  "RUN echo root:@ | chpasswd", "RUN echo 'root:@' | chpasswd", "RUN echo @ | passwd --stdin root", "RUN npm config set //r.example/:_authToken @", "RUN x ${MY_TOKEN:-@}",
  // files
  "//registry.example/:_authToken=@", "_password=@", "machine h login u password @", "machine h\nlogin u\npassword @", "printf 'machine h\\nlogin u\\npassword @\\n'", "password: @", "  password : '@'", '"password": "@"', "{'api_token': '@'}", "<password>@</password>", "db.password=@", "db.password = @",
  "token => '@'", "[default]\naws_secret_access_key = @", "AccountName=a;AccountKey=@;EndpointSuffix=core", "Server=h;User Id=u;Password=@;", "Server=h;Uid=u;Pwd=@;", "Endpoint=sb://h/;SharedAccessKeyName=n;SharedAccessKey=@", "# the password is: @".replace("is:", ":"), "clientSecret: @",
  // headers
  "curl -H 'Authorization: Bearer @'", "curl -H \"Authorization: Basic @\"", "Authorization: token @", "Proxy-Authorization: Basic @", "Bearer @", "curl -H 'PRIVATE-TOKEN: @'", "X-Api-Key: @", "X-Vault-Token: @", "\"Authorization\": \"Bearer @\"", "authorization=@",
  // Dockerfile
  "ARG MY_TOKEN=@", "ARG A=b MY_TOKEN=@ C=d", "ENV MY_PASSWORD=@", "ENV MY_PASSWORD @", 'ENV MY_PASSWORD="@"', "ENV A=b \\\n    MY_KEY=@ \\\n    C=d", "LABEL my.secret=@", "ONBUILD ENV API_KEY=@", "env my_secret=@", "ARG AUTH=@",
] as const;

test("a password that only its place tells is masked in every such place, and what the place is stays", (t) => {
  t.diagnostic(`SEED=${SEED}`);
  for (let round = 0; round < ROUNDS; round++) {
    const password = secrets.password();
    for (const place of PLACES) {
      const written = place.replaceAll("@", password).replaceAll("§", "@");
      const scrubbed = new Scrubber().dockerfile(written, "Dockerfile");
      assert.ok(!scrubbed.includes(password), written);
      const users = scrubbed.replaceAll(/xxxxx(?=:xxxxx@)|xxxxx(?=%3Axxxxx%40)/g, "USER");
      const expected = place.replaceAll("@", "xxxxx").replaceAll("§", "@").replaceAll(/(?<=\/|^)(?:user|u|app|git)(?=:xxxxx@)|user(?=%3Axxxxx%40)/g, "USER");
      assert.equal(users, expected);
    }
  }
});

test("the body of a private key is masked, however its lines are joined, and its marks stay", () => {
  for (const label of ["RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", ""] as const) {
    const { begin, body, end } = secrets.privateKey(label);
    const lines = [begin, ...body, end];
    const written = [
      lines.join("\n"), `RUN echo "${lines.join("\\n")}" > k`, `RUN echo "${lines.join("\\n\\\n")}" > k`, `ENV KEY="${lines.join("\\\n")}"`, `{"private_key":"${lines.join("\\n")}\\n"}`,
      `RUN printf '%s\\n' ${lines.map((line) => `'${line}'`).join(" \\\n  ")} > k`, lines.map((line) => `RUN echo "${line}" >> k`).join("\n"), lines.map((line) => `# ${line}`).join("\r\n"),
      // Its end is missing.
      `RUN <<EOF\n${[begin, ...body].join("\n")}\nEOF\nRUN true`,
    ];
    for (const text of written) {
      const scrubbed = scrubText(text);
      for (const line of body) assert.ok(!scrubbed.includes(line), scrubbed);
      // Under a name of its own the whole value goes.
      assert.ok(scrubbed.includes(begin) || text.includes("private_key"), scrubbed);
      assert.equal(scrubbed.split("\n").length, text.split("\n").length);
    }
    assert.ok(scrubText(written.at(-1) ?? "").endsWith("\nEOF\nRUN true"));
  }
});

test("the body of an OpenSSH key without its marks is masked", () => {
  const body = Buffer.concat([Buffer.from("openssh-key-v1\0\0\0\0\x04none"), Buffer.from(secrets.letters("abcdefgh0123", 200))]).toString("base64");
  const lines = body.match(/.{1,70}/g) ?? [];
  for (const written of [body, lines.join("\n"), lines.join("\\\n")]) for (const line of lines) assert.ok(!scrubText(`RUN echo ${written} > k`).includes(line));
});

test("a mark that only is looked for masks no command", () => {
  const text = 'RUN grep -q "-----BEGIN RSA PRIVATE KEY-----" key && make install\nRUN true\n';
  assert.equal(scrubText(text), text);
});

test("a text in base64 that holds a secret is masked whole, and so is one within another", () => {
  const password = secrets.password();
  const { begin, body, end } = secrets.privateKey("");
  for (const inner of [`password=${password}`, `{"auths":{"h":{"auth":"${Buffer.from(`u:${password}`).toString("base64")}"}}}`, [begin, ...body, end].join("\n"), `https://u:${password}@host/`]) {
    const once = Buffer.from(inner).toString("base64");
    const twice = Buffer.from(`data: ${once}\n`).toString("base64");
    const wrapped = (once.match(/.{1,76}/g) ?? []).join("\n");
    assert.equal(scrubText(`RUN echo ${once} | base64 -d`), "RUN echo xxxxx | base64 -d");
    assert.equal(scrubText(`RUN echo ${twice} | base64 -d`), "RUN echo xxxxx | base64 -d");
    for (const line of wrapped.split("\n").filter((each) => each.length > 20)) assert.ok(!scrubText(`<<EOF\n${wrapped}\nEOF\n`).includes(line));
  }
});

test("a secret that was learnt is found in every form that it can be written in", () => {
  for (let round = 0; round < ROUNDS; round++) {
    const secret = `${secrets.password()}"+/ &${secrets.letters("äé漢", 2)}`;
    const scrubber = new Scrubber();
    scrubber.learnVariable("MY_TOKEN", secret);
    const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret).replaceAll("%20", "+")];
    for (const form of forms) assert.equal(scrubber.text(`a ${form} b`, "x"), "a xxxxx b");
    for (const before of ["", "a", "ab", "user:"]) {
      for (const encoding of ["base64", "base64url"] as const) {
        const scrubbed = scrubber.text(`value ${Buffer.from(`${before}${secret} and more`).toString(encoding)}`, "x");
        assert.ok(!Buffer.from(scrubbed.split(" ")[1] ?? "", encoding).toString().includes(secret), scrubbed);
      }
    }
  }
});

test("a secret that was learnt is found in base64 among bytes that are no text", () => {
  const secret = secrets.password();
  const scrubber = new Scrubber();
  scrubber.learn(secret);
  for (const before of [1, 2, 3]) {
    const scrubbed = scrubber.text(Buffer.concat([Buffer.alloc(before, 0xff), Buffer.from(secret), Buffer.alloc(4, 0xfe)]).toString("base64"), "x");
    // The letters at its ends are shared with what is beside it.
    assert.ok(!Buffer.from(scrubbed, "base64").toString("latin1").includes(secret.slice(2, -2)), scrubbed);
    assert.ok(scrubbed.includes("xxxxx"));
  }
});

test("what is masked is masked for good: nothing of it is found again", () => {
  for (const place of PLACES) {
    const scrubbed = new Scrubber().dockerfile(place.replaceAll("@", secrets.password()).replaceAll("§", "@"), "Dockerfile");
    const again = new Scrubber();
    assert.equal(again.dockerfile(scrubbed, "Dockerfile"), scrubbed);
    assert.deepEqual(again.redactions, [], scrubbed);
  }
});
