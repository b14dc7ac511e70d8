import type * as z from "zod";
import type { NewJob } from "../../core/new-job.ts";

/** Three agents that need no model: shell commands, each doing what its role does. */
export const demoJob: z.input<typeof NewJob> = {
  provider: "custom",
  mode: "team",
  repo: "demo/greeter",
  task: "greet.sh가 한국어로도 인사하게 해줘 (sh greet.sh NAME ko)",
  labels: { from: "demo" },
  options: {
    maxMinutes: 5,
    keepTmuxSession: true,
    agentCommands: {
      planner: `printf '\\033[36m%s\\033[0m\\n' "Task: $JOB_TASK"
sh test.sh || echo "One test fails: that is what the task asks for."
printf '%s\\n' "# Plan" "1. greet.sh: greet in Korean when the second argument is ko." "2. Verify with sh test.sh." | tee "$JOB_PLAN_FILE"`,
      executor: `echo "Working by the plan:"; cat "$JOB_PLAN_FILE"
cat > greet.sh <<'END'
#!/bin/sh
# Greets whoever is named, in English or (ko) in Korean.
case "\${2-en}" in
  ko) echo "안녕하세요, $1!" ;;
  *) echo "Hello, $1!" ;;
esac
END
git -c color.ui=always diff --stat`,
      verifier: "sh test.sh && printf '\\033[32m%s\\033[0m\\n' 'All tests pass.'",
    },
  },
};
