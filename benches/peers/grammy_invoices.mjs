// grammY with its runner, better-sqlite3 and undici: it answers /factures with the list of invoices.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

// The libraries lie in a folder of their own, outside the tree.
const require = createRequire(join(process.env.BENCH_MODULES, "package.json"));
const { Bot, InlineKeyboard, webhookCallback } = require("grammy");
const { run } = require("@grammyjs/runner");
const Database = require("better-sqlite3");
const { request } = require("undici");

const { BENCH_PORTAL_URL, BENCH_PORTAL_TOKEN, BENCH_SECRET } = process.env;
const port = Number(process.env.BENCH_WEBHOOK_PORT);
const locales = { fr: "fr-CA", en: "en-CA" };
const texts = {
  fr: {
    title: (account) => `Factures · ${account}`, range: (first, last, total) => `${first} à ${last} de ${total}`,
    number: (number) => `nº\u00a0${number}`, paid: "payée", due: (date) => `due le ${date}`,
    overdue: (date) => `échue le ${date}`, unpaid: "À payer", search: "Rechercher", orders: "Commandes",
    statement: "Relevé · tout recevoir",
  },
  en: {
    title: (account) => `Invoices · ${account}`, range: (first, last, total) => `${first} to ${last} of ${total}`,
    number: (number) => `no.\u00a0${number}`, paid: "paid", due: (date) => `due ${date}`,
    overdue: (date) => `overdue, was due ${date}`, unpaid: "To pay", search: "Search", orders: "Orders",
    statement: "Statement · take everything",
  },
};
const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

const database = new Database(process.env.BENCH_DATABASE);
const findChat = database.prepare(
  `SELECT chats.language, chats.page_size, links.link_id, links.contact_id, links.account_id, links.account_name
   FROM chats JOIN links ON links.chat_id = chats.chat_id WHERE chats.chat_id = ?`,
);

// MDN advises to make one formatter for many values.
const formats = Object.fromEntries(
  Object.entries(locales).map(([language, locale]) => [
    language,
    {
      short: new Intl.DateTimeFormat(locale, { dateStyle: "short", timeZone: "UTC" }),
      day: new Intl.DateTimeFormat(locale, { month: "long", day: "numeric", timeZone: "UTC" }),
      amounts: {},
    },
  ]),
);
const today = new Intl.DateTimeFormat("fr-CA", { dateStyle: "short", timeZone: "America/Toronto" });

function amountOf(invoice, language) {
  const { currency } = invoice, formatters = formats[language].amounts;
  formatters[currency] ??= new Intl.NumberFormat(locales[language], { style: "currency", currency });
  return formatters[currency].format(invoice.amount);
}

function stateOf(invoice, language) {
  if (Number(invoice.balance) === 0) return texts[language].paid;
  const isOverdue = invoice.due_date < today.format(new Date());
  return texts[language][isOverdue ? "overdue" : "due"](formats[language].day.format(new Date(invoice.due_date)));
}

function listText(page, account, language) {
  const words = texts[language], format = formats[language];
  const first = (page.page - 1) * page.page_size + 1;
  const lines = [
    `<b>${escape(words.title(account))}</b>`,
    words.range(first, first + page.items.length - 1, page.total),
  ];
  for (const invoice of page.items) {
    const date = format.short.format(new Date(invoice.date));
    const number = words.number(escape(invoice.number));
    lines.push("", `${date} · ${number} · ${amountOf(invoice, language)}`, stateOf(invoice, language));
  }
  return lines.join("\n");
}

function listButtons(page, link, language) {
  const words = texts[language], pages = Math.ceil(page.total / page.page_size);
  const keyboard = new InlineKeyboard();
  for (const invoice of page.items) keyboard.text(invoice.number, `invoice|${link}|${invoice.number}`);
  keyboard.row();
  if (page.page > 1) keyboard.text("‹", `page|${link}|${page.page - 1}`);
  keyboard.text(`${page.page}/${pages}`, `page|${link}|${page.page}`);
  if (page.page < pages) keyboard.text("›", `page|${link}|${page.page + 1}`);
  return keyboard.row()
    .text(words.unpaid, `unpaid|${link}`).text(words.search, `search|${link}`).row()
    .text(words.orders, `orders|${link}`).row()
    .text(words.statement, `statement|${link}`);
}

const bot = new Bot(process.env.BENCH_TOKEN, { client: { apiRoot: process.env.BENCH_URL } });

bot.command("factures", async (context) => {
  const chat = findChat.get(context.chat.id);
  const { statusCode, body } = await request(
    `${BENCH_PORTAL_URL}/v1/contacts/${chat.contact_id}/accounts/${chat.account_id}/invoices`,
    {
      query: { page: 1, page_size: chat.page_size, language: chat.language },
      headers: { authorization: `Bearer ${BENCH_PORTAL_TOKEN}` },
    },
  );
  if (statusCode !== 200) throw new Error(`the portal answered ${statusCode}`);
  const page = await body.json();
  await context.reply(listText(page, chat.account_name, chat.language), {
    parse_mode: "HTML",
    reply_markup: listButtons(page, chat.link_id, chat.language),
    link_preview_options: { is_disabled: true },
  });
});

if (port) {
  createServer(webhookCallback(bot, "http", { secretToken: BENCH_SECRET })).listen(port, "127.0.0.1", () =>
    bot.api.setWebhook(`http://127.0.0.1:${port}/telegram`, { secret_token: BENCH_SECRET }),
  );
} else {
  run(bot);
}
