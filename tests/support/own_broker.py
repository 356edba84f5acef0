"""A RabbitMQ of one test file's own, which may be starved, stopped, killed and started again without hurting others."""

from __future__ import annotations

import shutil
import signal
import subprocess
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from chassis.settings import Settings
from deploy.local import broker, rabbit
from deploy.local.program import Program, end, kill_group, spawn, wait_ready
from tests.support.ports import free_base

START_SECONDS = 60.0
CTL_SECONDS = 60.0


class OwnBroker:
    """`settings` are those given, with this broker's address; the databases stay where they are."""

    def __init__(self, settings: Settings, home: Path) -> None:
        base = free_base()
        home.chmod(0o755)
        shutil.copytree(settings.home / "secrets", home / "secrets")
        for folder in ("logs", "run"):
            (home / folder).mkdir()
        self.settings = replace(
            settings, home=home, port=base, amqp_port=base + 11, management_url=f"http://127.0.0.1:{base + 12}"
        )
        self._server: Path | None = None
        self._node: subprocess.Popen[bytes] | None = None

    def start(self, stack: ExitStack) -> None:
        """Start the port mapper and the node, with all users, exchanges and queues; the stack ends them."""
        self._server = rabbit.prepare(self.settings)
        mapper = rabbit.epmd_program(self.settings)
        process = spawn(mapper)
        stack.callback(end, mapper, process, 0.0)
        assert wait_ready(mapper, process, START_SECONDS)
        stack.callback(self.kill)
        self.up()
        broker.make_vhost(self.settings)

    def at(self, settings: Settings) -> Settings:
        """Other settings with this broker's address."""
        own = self.settings
        return replace(
            settings, home=own.home, port=own.port, amqp_port=own.amqp_port, management_url=own.management_url
        )

    def up(self) -> None:
        """Start the node with what it kept, and wait until it serves."""
        program = self._program()
        self._node = spawn(program)
        assert wait_ready(program, self._node, START_SECONDS)

    def stop(self) -> None:
        """End the node as an operator would."""
        assert self._node is not None
        self._node.send_signal(signal.SIGTERM)
        self._node.wait(START_SECONDS)

    def kill(self) -> None:
        """End the node as a power cut would."""
        if self._node is not None:
            kill_group(self._node.pid)
            self._node.wait(START_SECONDS)

    def memory(self, share: str) -> None:
        """Set the memory watermark; a tiny one raises the alarm at once."""
        self.control("set_vm_memory_high_watermark", share)

    def control(self, *words: str) -> None:
        """Run one command of the broker's own tool."""
        assert self._server is not None
        command = [str(self._server.parent / "rabbitmqctl"), *words]
        subprocess.run(command, env=self._program().env, check=True, capture_output=True, timeout=CTL_SECONDS)

    def _program(self) -> Program:
        assert self._server is not None
        return rabbit.program(self.settings, self._server)
