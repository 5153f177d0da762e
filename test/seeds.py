"""Where the random tests' seeds come from."""
import os
import random
import subprocess


def random_seed():
    return str(random.SystemRandom().randint(1, 10 ** 6))


def commit_seed():
    """The suite's seed: another one for every commit, and the same one for whoever repeats the run."""
    try:
        run = subprocess.run(['git', 'rev-parse', '--short=8', 'HEAD'], cwd=os.path.dirname(os.path.abspath(__file__)),
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except FileNotFoundError:           # no git
        return random_seed()
    return str(int(run.stdout, 16)) if run.returncode == 0 else random_seed()
