"""`python -m deploy.stack`, from the project's folder."""

from deploy.stack.command import stack

if __name__ == "__main__":
    stack()
