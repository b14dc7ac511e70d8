import db from "dynalite/db/index.js";
import * as deleteItem from "dynalite/validations/deleteItem.js";
import * as putItem from "dynalite/validations/putItem.js";
import * as updateItem from "dynalite/validations/updateItem.js";

/** Dynalite does not know `ReturnValuesOnConditionCheckFailure`. */
export function returnItemOfFailedCondition(): void {
  for (const { types } of [deleteItem, putItem, updateItem]) {
    types.ReturnValuesOnConditionCheckFailure = { type: "String", enum: ["ALL_OLD", "NONE"] };
  }
  const { checkConditional } = db;
  db.checkConditional = (request, oldItem) => {
    const failure = checkConditional(request, oldItem);
    if (failure && oldItem && request.ReturnValuesOnConditionCheckFailure === "ALL_OLD") failure.body.Item = oldItem;
    return failure;
  };
}
