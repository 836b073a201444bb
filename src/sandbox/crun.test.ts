import { testSandbox } from "./sandbox.contract.ts";

await testSandbox("crun");
