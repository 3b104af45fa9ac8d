// grammY with its runner: it answers every text with the prepared message, and does nothing else.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// The libraries lie in a folder of their own, outside the tree.
const require = createRequire(join(process.env.BENCH_MODULES, "package.json"));
const { Bot } = require("grammy");
const { run } = require("@grammyjs/runner");

const answer = JSON.parse(readFileSync(process.env.BENCH_ANSWER, "utf8"));
const bot = new Bot(process.env.BENCH_TOKEN, { client: { apiRoot: process.env.BENCH_URL } });
const more = { parse_mode: answer.parse_mode, reply_markup: answer.reply_markup ?? undefined };

bot.on("message:text", (context) => context.reply(answer.text, more));

run(bot);
