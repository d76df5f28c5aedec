import { costLimitRule } from "@escape.tech/graphql-armor-cost-limit";
import { maxDepthRule } from "@escape.tech/graphql-armor-max-depth";
import { type ASTVisitor, GraphQLError, type ValidationContext } from "graphql";
import type { Plugin } from "graphql-yoga";

// What an operation may ask, checked before any of it is executed. The deepest useful question (the stock of the
// products of a page of orders) is 7 deep; a hundred orders with all their fields cost about 7000.

/** Words and signs of the document: what checking it takes grows with their square. */
const maxTokens = 1_000;
const maxDepth = 10;
/** A field costs one, those under a literal `first` that many times. In a variable it counts once; pages end at 100. */
const maxCost = 10_000;
/** The same field under many names is the same question many times: this bounds the calls of one operation. */
const maxAliases = 15;

const tooComplex = (detail: string) => new GraphQLError(detail, { extensions: { code: "QUERY_TOO_COMPLEX" } });

/** The rules of armor tell the limit as a syntax error and stop the validation: say what it is instead. */
const asRefusal = {
  propagateOnRejection: false,
  onReject: [
    (context: ValidationContext | null, error: GraphQLError) =>
      context?.reportError(tooComplex(error.message.replace("Syntax Error: ", ""))),
  ],
};

function aliasRule(context: ValidationContext): ASTVisitor {
  let aliases = 0;
  return {
    Field({ alias }) {
      if (alias && ++aliases === maxAliases + 1)
        context.reportError(tooComplex(`Alias limit of ${maxAliases} exceeded.`));
    },
  };
}

const rules = [
  maxDepthRule({ n: maxDepth, flattenFragments: true, ...asRefusal }),
  costLimitRule({ maxCost, objectCost: 1, depthCostFactor: 1, flattenFragments: true, ...asRefusal }),
  aliasRule,
];

export const limits: Plugin = {
  onParse({ parseFn, setParseFn }) {
    setParseFn((source, options) => {
      try {
        return parseFn(source, { ...options, maxTokens });
      } catch (error) {
        throw error instanceof GraphQLError && / tokens\./.test(error.message)
          ? tooComplex(`Token limit of ${maxTokens} exceeded.`)
          : error;
      }
    });
  },
  onValidate({ addValidationRule }) {
    for (const rule of rules) addValidationRule(rule);
  },
};
