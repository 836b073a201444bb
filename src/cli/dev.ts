import { main } from "./main.ts";

// The command straight from the source, for who works on it; users have bin/stemma.js.
await main();
