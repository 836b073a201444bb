import assert from "node:assert/strict";
import { test } from "node:test";
import { isProxyName, nameStrength } from "./secret-name.ts";

test("names of secrets are known in every spelling", () => {
  for (const name of [
    "api_key", "API_KEY", "apiKey", "ApiKey", "APIKEY", "api-key", "DATABASE_PASSWORD", "dbPassword", "PGPASSWORD", "MYSQL_PWD", "DB_PASS", "storePass", "GITHUB_TOKEN", "npmAuthToken", "_authToken", "NPMTOKEN", "GH_TOKEN2",
    "secret_MESSAGE", "CLIENT_SECRET", "MY_CREDENTIALS", "PWORD", "passphrase", "AccountKey", "SharedAccessKey", "AWS_SECRET_ACCESS_KEY", "private_key", "GH_PAT",
  ]) assert.equal(nameStrength(name), "secret", name);
});

test("BuildKit's words are secrets' where nothing speaks against it", () => {
  for (const name of ["AUTH", "DEPLOY_KEY", "MY_KEY", "KEY_FOR_X", "my_auth"]) assert.notEqual(nameStrength(name), "none", name);
  for (const name of ["KEY", "key", "MAX_TOKENS", "SESSION", "PWD"]) assert.equal(nameStrength(name), "vague", name);
});

test("a name that speaks of a secret does not hold it", () => {
  for (const name of [
    "PUBLIC_KEY", "PASSWORD_FILE", "TOKEN_VERSION", "SECRET_NAME", "SECRET_ID", "TOKEN_URL", "KEY_ID", "AWS_ACCESS_KEY_ID", "SSH_AUTH_SOCK", "AUTH_TYPE", "PASSWORD_MIN_LENGTH", "TOKEN_EXPIRES", "TOKEN_SHA256", "SecretKeyRef", "password-stdin", "AUTH_USER",
    "AUTHOR", "VERSION", "PATH", "MONKEY", "KEYBOARD", "TOKENIZER", "COMPASS", "BYPASS", "PASSENGER", "OLDPWD", "OLD_PWD", "SECRETARY",
  ]) assert.equal(nameStrength(name), "none", name);
});

test("the predefined proxy variables are known in both cases", () => {
  for (const name of ["http_proxy", "HTTPS_PROXY", "ftp_proxy", "ALL_PROXY"]) assert.ok(isProxyName(name));
  for (const name of ["no_proxy", "MY_PROXY"]) assert.ok(!isProxyName(name));
});
