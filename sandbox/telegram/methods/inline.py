"""answerInlineQuery: results and a button for what a person types behind the bot's name."""

import re

from sandbox.telegram.errors import bad_request
from sandbox.telegram.methods.call import Call, method

MOST_RESULTS = 50
START_PARAMETER = re.compile(r"[A-Za-z0-9_-]{1,64}")


@method("answerInlineQuery")
async def answer_inline_query(call: Call) -> object:
    """Keep the answer for the person who typed. Of results, cached documents are implemented."""
    results, button = call.values["results"], call.get("button")
    if len(results) > MOST_RESULTS:
        raise bad_request("RESULTS_TOO_MUCH")
    if len({result["id"] for result in results}) != len(results):
        raise bad_request("RESULT_ID_DUPLICATE")
    for result in results:
        if "document_file_id" not in result:
            raise bad_request(f"the sandbox does not implement inline results of type {result['type']}")
        file = call.world.files.find(result["document_file_id"], call.bot.bot_id)
        if file.kind != "Document":
            raise bad_request(f"Can't use file of type {file.kind} as Document")
        if not result["title"]:
            raise bad_request("RESULT_TITLE_EMPTY")
    if button is not None:
        if ("web_app" in button) == ("start_parameter" in button):
            raise bad_request("exactly one of web_app and start_parameter must be used")
        if not button["text"] or not START_PARAMETER.fullmatch(button.get("start_parameter", "x")):
            raise bad_request("START_PARAM_INVALID")
    query = call.bot.inline_queries.get(call.values["inline_query_id"])
    age = call.world.clock.now().timestamp() - query.created if query else 0.0
    if query is None or query.answer is not None or age > call.world.settings.callback_life_seconds:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    query.answer = dict(call.values)
    query.answered.set()
    return True
