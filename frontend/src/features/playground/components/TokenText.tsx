/** The text as the model read it: each token tinted by what PLOT knew of it, with a legend. */

import { Group, Stack, Text } from "@mantine/core";

import { formatCount } from "@/lib/format";

import type { TokenLookup } from "../api/predict";
import { spansOf } from "@/lib/spans";
import classes from "./TokenText.module.css";

const rungs = [
  { rung: "trigram", words: "known with both neighbours" },
  { rung: "bigram", words: "known with one neighbour" },
  { rung: "unigram", words: "known alone (backed off)" },
] as const;

const nodes = [
  { node: "general", words: "general text" },
  { node: "domain", words: "your domain" },
  { node: "private", words: "your private leaf" },
] as const;

export function TokenText({ text, tokens }: { text: string; tokens: TokenLookup[] }) {
  const numOf = (rung: string) => tokens.filter((token) => token.rung === rung).length;
  const seenNodes = nodes.filter(({ node }) => tokens.some((token) => token.node === node));
  return (
    <Stack gap="xs">
      <div
        className={classes.text}
        dir="auto"
        role="region"
        aria-label="The text by what PLOT knew"
        tabIndex={0}
      >
        {spansOf(text, tokens).map(({ text: part, token }, index) =>
          token === null ? (
            <span key={index}>{part}</span>
          ) : (
            <mark
              key={index}
              className={classes.token}
              data-rung={token.rung}
              data-node={token.node}
              title={`${wordsOf(token)}, learnt from ${nodes.find(({ node }) => node === token.node)?.words ?? token.node}`}
            >
              {part}
            </mark>
          ),
        )}
      </div>
      <Group gap="md" component="ul" p={0} m={0} style={{ listStyle: "none" }}>
        {rungs.map(({ rung, words }) => (
          <Text key={rung} component="li" size="xs">
            <mark className={classes.token} data-rung={rung}>
              {formatCount(numOf(rung), "token")}
            </mark>{" "}
            {words}
          </Text>
        ))}
        {seenNodes.length > 1 &&
          seenNodes.map(({ node, words }) => (
            <Text key={node} component="li" size="xs">
              <mark className={classes.token} data-node={node} data-legend>
                {formatCount(tokens.filter((token) => token.node === node).length, "token")}
              </mark>{" "}
              from {words}
            </Text>
          ))}
      </Group>
    </Stack>
  );
}

function wordsOf({ rung }: TokenLookup): string {
  const words = rungs.find((each) => each.rung === rung)?.words ?? rung;
  return words.charAt(0).toUpperCase() + words.slice(1);
}
