/** How it is to be trained, for those who know: all of it has defaults that were measured. */

import {
  Button,
  Checkbox,
  Collapse,
  Group,
  NativeSelect,
  NumberInput,
  SimpleGrid,
  Stack,
  Text,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useId } from "react";

import { methodNames, methodOf, usualMethod } from "@/lib/adapter-methods";

import type { RecipeChoice } from "../recipe";

interface Props {
  choice: RecipeChoice;
  onChange: (choice: RecipeChoice) => void;
}

export function RecipeFields({ choice, onChange }: Props) {
  const [isOpen, { toggle }] = useDisclosure(false);
  const id = useId();
  const change = (changes: Partial<RecipeChoice>) => onChange({ ...choice, ...changes });
  return (
    <div>
      <Group gap={4}>
        <Button
          variant="subtle"
          size="compact-sm"
          onClick={toggle}
          aria-expanded={isOpen}
          aria-controls={id}
          ml={-8}
        >
          The recipe
        </Button>
        <Text size="xs" c="dimmed">
          for those who know: what stands in it was measured to do well
        </Text>
      </Group>
      <Collapse expanded={isOpen} id={id}>
        <Stack mt="xs">
          <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} style={{ alignItems: "end" }}>
            <NativeSelect
              label="Method"
              value={choice.method}
              onChange={(event) => {
                const chosen = event.currentTarget.value;
                change({ method: methodNames.find((name) => name === chosen) ?? usualMethod });
              }}
              data={methodNames.map((name) => ({ value: name, label: methodOf(name).label }))}
            />
            <NumberInput
              label={methodOf(choice.method).rankLabel}
              placeholder="8"
              min={1}
              max={32}
              allowDecimal={false}
              value={choice.rank}
              onChange={(rank) => change({ rank })}
            />
            <NumberInput
              label="Epochs"
              description="Few rows get more by themselves."
              placeholder="3"
              min={1}
              max={50}
              allowDecimal={false}
              value={choice.epochs}
              onChange={(epochs) => change({ epochs })}
            />
            <NumberInput
              label="Learning rate"
              placeholder="0.0015"
              min={0.000001}
              max={0.1}
              step={0.0005}
              value={choice.learningRate}
              onChange={(learningRate) => change({ learningRate })}
            />
            <NativeSelect
              label="Search for a better one"
              description="Each round costs about one training."
              value={String(choice.search)}
              onChange={(event) => change({ search: Number(event.currentTarget.value) })}
              data={[
                { value: "0", label: "no" },
                { value: "4", label: "try 4 recipes" },
                { value: "8", label: "try 8 recipes" },
                { value: "16", label: "try 16 recipes" },
              ]}
            />
            <NumberInput
              label="At most, in minutes"
              description="Then the best so far is kept."
              placeholder="no limit"
              min={1}
              max={1440}
              value={choice.maxMinutes}
              onChange={(maxMinutes) => change({ maxMinutes })}
            />
          </SimpleGrid>
          <Checkbox
            label="Compare with a model on computed lower layers"
            description="It is trained as well, so that the report says what PLOT costs, and teaches where there are few rows. Without it the training is done sooner."
            checked={choice.compares}
            onChange={(event) => change({ compares: event.currentTarget.checked })}
          />
        </Stack>
      </Collapse>
    </div>
  );
}
